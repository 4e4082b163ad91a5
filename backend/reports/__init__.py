"""What operators and the public see: totals without persons."""
