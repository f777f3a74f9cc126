"""Shapes of bodies and answers, one module a resource."""
