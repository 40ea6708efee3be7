"""The rules by what they look at; each is a generator of doubts."""
