"""A GitHub to try things on: it answers as GitHub does, keeps real git repositories, and sends signed webhooks."""

from __future__ import annotations

from adw.forge.github_stand_in.app import Asked
from adw.forge.github_stand_in.effects.reviews import Place
from adw.forge.github_stand_in.faults import Fault, Faults
from adw.forge.github_stand_in.seed import DEFAULT, PROGRAM, Sown, read_seed, sow
from adw.forge.github_stand_in.stand_in import StandIn

__all__ = ["DEFAULT", "PROGRAM", "Asked", "Fault", "Faults", "Place", "Sown", "StandIn", "read_seed", "sow"]
