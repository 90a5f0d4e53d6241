"""Designs: which points to simulate before anything is known."""

from beadsmith.design.points import DesignPoint, StateAxis, design_points

__all__ = ["DesignPoint", "StateAxis", "design_points"]
