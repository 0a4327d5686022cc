"""Each setting, on live requests."""
