"""python -m services.notify"""

from services.notify.app import PARTS, build
from services.notify.settings import NotifySettings
from shared.start import main

main("notify", NotifySettings, PARTS, build)
