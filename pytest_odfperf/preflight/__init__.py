"""What is known against a run before it begins. Pure: objects of the API in, one line for each check out."""
