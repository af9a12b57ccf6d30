"""The API against its own schema: whatever one user sends, another's rows are never met."""
