"""Pools that the plugin makes: recipes as objects, what is possible, what may be removed. Pure."""
