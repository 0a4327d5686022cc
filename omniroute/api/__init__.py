"""Types of the management API: the contract of server, client, CLI and TUI.

Members are camelCase on the wire. Answers may gain members; requests with unknown ones are refused.
"""
