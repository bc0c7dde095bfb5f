class Custom:
  pass
