#compdef omniroute

_omniroute_completion() {
  eval $(env _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _OMNIROUTE_COMPLETE=complete_zsh omniroute)
}

compdef _omniroute_completion omniroute
