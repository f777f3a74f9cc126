"""What rows look like to a client, one module a resource; a list is rendered at once, with a fixed number of queries."""
