"""From a request to results: what the pytest hooks delegate to. Knows no pytest."""
