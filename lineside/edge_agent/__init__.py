"""The edge agent of a line: answers everything an operator does, also without a network."""
