"""What is known of accounts at work: breakers, cooldowns, load, speed, limits."""
