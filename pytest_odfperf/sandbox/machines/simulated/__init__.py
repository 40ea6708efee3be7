"""Machines from a model: real SSH, fio's answers computed."""
