"""Requests that become a stream or lead to somebody else: portforward, exec, proxies."""
