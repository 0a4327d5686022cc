"""What requests may still cost: reserved before they are made, settled when they have ended."""
