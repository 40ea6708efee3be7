"""The courses of figures over many runs, and where they change. Needs numpy and scipy (extra ``compare``)."""
