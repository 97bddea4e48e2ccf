MUTANTS=[]
def hunt(*a): pass
