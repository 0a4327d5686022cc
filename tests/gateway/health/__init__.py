"""The book of health: what it is told, what it says, what it keeps."""
