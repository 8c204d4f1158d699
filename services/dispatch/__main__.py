"""python -m services.dispatch"""

from services.dispatch.app import PARTS, build
from services.dispatch.settings import DispatchSettings
from shared.start import main

main("dispatch", DispatchSettings, PARTS, build)
