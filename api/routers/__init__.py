"""Operations, one module a resource: parse, call the room's verb, render."""
