"""The database backend of the project: Django's for PostgreSQL, which asks less often whether a kept connection is whole."""
