"""The judge: what was promised, against what is there when all has come to rest."""
