"""Runs that are disturbed at random, resumed until they are done, and then judged by laws.

``plan`` is pure: what happens in a round follows from the seed and its number. ``setting`` is what it happens
on. ``attempt`` is one pytest process, ``disturb`` has the effects, ``rounds`` plays a plan, ``laws`` judge
what it left, ``campaign`` is the loop.
"""
