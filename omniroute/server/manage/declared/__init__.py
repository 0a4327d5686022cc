"""The configuration as one document: what it is now, and how it becomes what a document says."""
