"""The forms of an answer: tables for kubectl, protobuf."""
