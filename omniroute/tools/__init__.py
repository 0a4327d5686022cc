"""Other people's coding tools: what they are set to, and pointing them at the gateway and back."""
