"""Ce qu'un exercice interdit : les opérateurs d'un appel, les mots d'un programme."""
