"""python -m griddispatch"""

from griddispatch.cli import main

main()
