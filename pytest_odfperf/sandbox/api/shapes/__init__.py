"""The shapes of kinds: schemas, fields, who owns a field, patches."""
