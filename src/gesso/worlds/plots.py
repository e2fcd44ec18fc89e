"""All plots of the world."""

from gesso.worlds.plots_brave import PLOTS_BRAVE
from gesso.worlds.plots_friends import PLOTS_FRIENDS
from gesso.worlds.plots_helping import PLOTS_HELPING
from gesso.worlds.plots_lost import PLOTS_LOST
from gesso.worlds.plots_making import PLOTS_MAKING
from gesso.worlds.plots_sharing import PLOTS_SHARING
from gesso.worlds.plots_wonder import PLOTS_WONDER

PLOTS = (*PLOTS_LOST, *PLOTS_SHARING, *PLOTS_FRIENDS, *PLOTS_HELPING, *PLOTS_BRAVE, *PLOTS_MAKING, *PLOTS_WONDER)
