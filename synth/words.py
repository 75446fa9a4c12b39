"""The words of captions: types, colors, their synonyms, and the small words around them.

Tables only; `synth.captions` reads and writes sentences with them.
"""

from __future__ import annotations

__all__ = [
    "CAMOUFLAGE_WORDS",
    "COLORS",
    "COLOR_SYNONYMS",
    "COMPETITION_TYPES",
    "FILLERS",
    "FREE_SYNONYMS",
    "MINOR_SHARE_RATIO",
    "MODIFIERS",
    "NAMES",
    "SHADE_WORDS",
    "TEMPLATES",
    "TYPES",
    "TYPE_GROUPS",
    "TYPE_SYNONYMS",
]

COMPETITION_TYPES = (
    "fighter jet",
    "fighter plane",
    "light aircraft",
    "commercial aircraft",
    "cargo aircraft",
    "helicopter",
    "drone",
    "missile",
)
TYPES = (
    *COMPETITION_TYPES,
    "rocket",
    "glider",
    "airship",
    "hot air balloon",
    "space shuttle",
    "flying saucer",
)
COLORS = (
    "white",
    "black",
    "grey",
    "silver",
    "red",
    "blue",
    "green",
    "yellow",
    "orange",
    "brown",
    "purple",
)
MINOR_SHARE_RATIO = 0.12
"""A color that covers less of the painted area than this need not be named."""

TYPE_SYNONYMS: dict[str, tuple[str, ...]] = {
    "fighter jet": ("jet", "jet fighter", "combat jet", "military jet", "warplane"),
    "fighter plane": ("warbird", "propeller fighter", "propeller plane", "old fighter"),
    "light aircraft": ("light plane", "small plane", "sport plane", "private plane", "biplane"),
    "commercial aircraft": (
        "airliner",
        "passenger plane",
        "passenger aircraft",
        "passenger jet",
        "jet airliner",
        "commercial plane",
    ),
    "cargo aircraft": (
        "cargo plane",
        "transport plane",
        "transport aircraft",
        "military transport",
        "freighter",
    ),
    "helicopter": ("chopper", "copter"),
    "drone": ("quadcopter", "uav", "quadrotor", "unmanned aircraft", "multicopter"),
    "missile": ("cruise missile", "guided missile"),
    "rocket": ("space rocket", "launch vehicle"),
    "glider": ("sailplane", "soaring plane"),
    "airship": ("blimp", "zeppelin", "dirigible"),
    "hot air balloon": ("balloon",),
    "space shuttle": ("shuttle", "orbiter"),
    "flying saucer": ("ufo", "saucer"),
}
# Makers and models that people name instead of a type. No model learns them: captions are
# translated before they are read. Left out: names that are also animals or weather. A hyphen is
# for those that would otherwise be "a 320 pixel wide ...".
NAMES: dict[str, tuple[str, ...]] = {
    "fighter jet": (
        "sukhoi", "mig", "f 4", "f 5", "f 14", "f 15", "f 16", "f 18", "f a 18", "f 22", "f 35",
        "su 24", "su 25", "su 27", "su 30", "su 34", "su 35", "su 57", "a-10", "eurofighter",
        "rafale", "gripen", "super hornet", "tomcat", "jetfighter", "fighterjet",
    ),
    "fighter plane": ("messerschmitt", "spitfire", "bf 109", "p 38", "p 47", "p 51", "focke wulf"),
    "light aircraft": (
        "cessna", "piper", "beechcraft", "piper cub", "ultralight", "microlight", "seaplane",
        "floatplane", "crop duster",
    ),
    "commercial aircraft": (
        "boeing", "airbus", "embraer", "737", "747", "757", "767", "777", "787", "b 737", "b 747",
        "b 757", "b 767", "b 777", "b 787", "a-300", "a-310", "a-319", "a-320", "a-321", "a-330",
        "a-340", "a-350", "a-380", "dreamliner", "concorde", "superjet", "jetliner", "jumbo jet",
    ),
    "cargo aircraft": (
        "antonov", "an-124", "an-225", "c-5", "c-17", "c-130", "a-400m", "airlifter",
    ),
    "helicopter": (
        "heli", "rotorcraft", "apache", "chinook", "black hawk", "ah 1", "ah 64", "ch 47", "uh 1",
        "uh 60", "mi 8", "mi 17", "mi 24", "mi 28", "ka 52", "gyrocopter",
    ),
    "drone": ("dji", "quadrocopter", "hexacopter", "octocopter", "uas", "rpas", "mq 1", "mq 9"),
    "missile": ("tomahawk", "icbm", "scud"),
    "rocket": ("spacex", "falcon 9", "saturn v", "soyuz", "ariane", "starship"),
    "glider": ("hang glider",),
    "airship": ("goodyear",),
    "hot air balloon": ("hotair balloon", "montgolfiere", "montgolfi\u00e8re"),
    "space shuttle": ("spaceplane", "buran"),
    "flying saucer": ("unidentified flying object", "alien spaceship"),
}  # fmt: skip
_PLANES = COMPETITION_TYPES[:5]
TYPE_GROUPS: dict[str, tuple[str, ...]] = {
    "plane": (*_PLANES, "glider"),
    "airplane": (*_PLANES, "glider"),
    "aeroplane": (*_PLANES, "glider"),
    "aircraft": (*_PLANES, "helicopter", "drone", "glider", "airship"),
    "military aircraft": ("fighter jet", "fighter plane", "cargo aircraft"),
    "fighter": ("fighter jet", "fighter plane"),
    "object": TYPES,
    "thing": TYPES,
    "one": TYPES,
}
COLOR_SYNONYMS: dict[str, tuple[str, ...]] = {
    "white": ("cream", "ivory", "off white"),
    "black": ("jet black", "ebony"),
    "grey": ("gray", "charcoal", "slate"),
    "silver": ("metallic", "chrome", "silvery", "aluminium"),
    "red": ("crimson", "scarlet", "maroon", "burgundy"),
    "blue": ("navy", "azure", "cyan", "teal", "turquoise"),
    "green": ("olive", "lime", "emerald"),
    "yellow": ("golden", "gold"),
    "orange": ("amber",),
    "brown": ("beige", "tan", "khaki", "sand"),
    "purple": ("violet", "pink", "magenta", "lilac"),
}
# Synonyms that are only fair when the paint is known to be that dark or that light.
SHADE_WORDS: dict[tuple[str, int], tuple[str, ...]] = {
    ("grey", -1): ("charcoal", "slate"),
    ("blue", -1): ("navy", "navy blue"),
    ("blue", 1): ("sky blue", "azure", "cyan"),
    ("red", -1): ("maroon", "burgundy", "crimson"),
    ("red", 1): ("pink",),
    ("green", -1): ("olive",),
    ("green", 1): ("lime",),
    ("brown", 1): ("beige", "tan", "sand", "khaki"),
    ("purple", 1): ("pink", "lilac", "magenta"),
    ("yellow", -1): ("golden", "gold"),
}
FREE_SYNONYMS: dict[str, tuple[str, ...]] = {
    "grey": ("gray",),
    "silver": ("metallic", "silvery", "chrome"),
    "red": ("scarlet",),
    "yellow": ("golden",),
    "white": ("off white",),
    "purple": ("violet",),
}
MODIFIERS = {-1: ("dark", "deep"), 0: (), 1: ("light", "pale")}
CAMOUFLAGE_WORDS = ("camouflage", "camo", "camouflaged")
TEMPLATES = (
    "a {}",
    "the {}",
    "a photo of a {}",
    "{} in the sky",
    "a {} flying in the sky",
    "{} flying",
    "picture of a {}",
    "find the {}",
    "an image of one {}",
)
FILLERS = (
    "painted colored coloured colors colours color colour with and in of pattern mostly bright "
    "stripes striped markings livery small large big tiny over above at on is it that which "
    "flying sky an a the photo picture image find look for where to left right side parts "
    "wings tail body dark light pale deep faded vivid navy-blue hovering air this some"
)
