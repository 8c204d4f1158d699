"""python -m services.intake"""

from services.intake.app import PARTS, build
from services.intake.settings import IntakeSettings
from shared.start import main

main("intake", IntakeSettings, PARTS, build)
