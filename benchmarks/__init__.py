"""What the app adds to a provider's stream, beside a consumer that keeps nothing: ``make bench``."""
