"""Django's forms as questions: drawn here, answered in a page or by a program, validated here."""
