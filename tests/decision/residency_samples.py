"""Residency texts by hand: what the places of some regions are called, and what outsiders wrote."""

from __future__ import annotations

from typing import Final

LANGUAGES: Final[dict[str, tuple[str, str, str, str]]] = {
    "bg": ("Париж, Франция", "Франкфурт, Германия", "Дъблин, Ирландия", "Варшава, Полша"),
    "cs": ("Paříž, Francie", "Frankfurt nad Mohanem, Německo", "Dublin, Irsko", "Varšava, Polsko"),
    "da": ("Paris, Frankrig", "Frankfurt, Tyskland", "Dublin, Irland", "Warszawa, Polen"),
    "de": ("Paris, Frankreich", "Frankfurt am Main, Deutschland", "Dublin, Irland", "Warschau, Polen"),
    "el": ("Παρίσι, Γαλλία", "Φρανκφούρτη, Γερμανία", "Δουβλίνο, Ιρλανδία", "Βαρσοβία, Πολωνία"),
    "en": ("Paris, France", "Frankfurt, Germany", "Dublin, Ireland", "Warsaw, Poland"),
    "es": ("París, Francia", "Fráncfort, Alemania", "Dublín, Irlanda", "Varsovia, Polonia"),
    "et": ("Pariis, Prantsusmaa", "Frankfurt, Saksamaa", "Dublin, Iirimaa", "Varssavi, Poola"),
    "fi": ("Pariisi, Ranska", "Frankfurt, Saksa", "Dublin, Irlanti", "Varsova, Puola"),
    "fr": ("Paris, France", "Francfort-sur-le-Main, Allemagne", "Dublin, Irlande", "Varsovie, Pologne"),
    "ga": ("Páras, an Fhrainc", "Frankfurt, an Ghearmáin", "Baile Átha Cliath, Éire", "Vársá, an Pholainn"),
    "hr": ("Pariz, Francuska", "Frankfurt na Majni, Njemačka", "Dublin, Irska", "Varšava, Poljska"),
    "hu": (
        "Párizs, Franciaország",
        "Majna-Frankfurt, Németország",
        "Dublin, Írország",
        "Varsó, Lengyelország",
    ),
    "it": ("Parigi, Francia", "Francoforte sul Meno, Germania", "Dublino, Irlanda", "Varsavia, Polonia"),
    "lt": ("Paryžius, Prancūzija", "Frankfurtas, Vokietija", "Dublinas, Airija", "Varšuva, Lenkija"),
    "lv": ("Parīze, Francija", "Frankfurte, Vācija", "Dublina, Īrija", "Varšava, Polija"),
    "mt": ("Pariġi, Franza", "Frankfurt, il-Ġermanja", "Dublin, l-Irlanda", "Varsavja, il-Polonja"),
    "nl": ("Parijs, Frankrijk", "Frankfurt, Duitsland", "Dublin, Ierland", "Warschau, Polen"),
    "pl": ("Paryż, Francja", "Frankfurt nad Menem, Niemcy", "Dublin, Irlandia", "Warszawa, Polska"),
    "pt": ("Paris, França", "Francoforte, Alemanha", "Dublim, Irlanda", "Varsóvia, Polónia"),
    "ro": ("Paris, Franța", "Frankfurt, Germania", "Dublin, Irlanda", "Varșovia, Polonia"),
    "sk": ("Paríž, Francúzsko", "Frankfurt nad Mohanom, Nemecko", "Dublin, Írsko", "Varšava, Poľsko"),
    "sl": ("Pariz, Francija", "Frankfurt, Nemčija", "Dublin, Irska", "Varšava, Poljska"),
    "sv": ("Paris, Frankrike", "Frankfurt, Tyskland", "Dublin, Irland", "Warszawa, Polen"),
}
"""Town and country of ``REGIONS``, in each official language of the EU."""

REGIONS: Final = (
    ("aws", "eu-west-3"),
    ("aws", "eu-central-1"),
    ("azure", "northeurope"),
    ("gcp", "europe-central2"),
)

REMARKS: Final = (
    # A second code, or a region by its display name.
    *("eu-west-3 eastus", "eu-west-3 / ap-southeast-1", "eu-west-3 (East US)", "eu-west-3 (UK South)"),
    *("francecentral / eastus2", "francecentral (UK South)", "eu-west-3 US East 1", "eu-west-3, us-east-1b"),
    *("eu-west-3 eu-west-2", "eu-west-3 (eu-north-9)", "eu-west-3 cn-north-1", "eu-west-3 us-gov-west-1"),
    # Another place, near or far, in any language.
    *("EU-WEST-3 (Paris/Virginia)", "EU-WEST-3 (Paris; Mumbai)", "eu-west-3 Tokyo", "eu-west-3 (London)"),
    *("eu-west-3 et Londres", "eu-west-3, Londyn", "eu-west-3 (Λονδίνο)", "eu-west-3 (Лондон)"),
    *("eu-west-3 (backup: Zürich)", "eu-west-3 (Zu\u0308rich)", "eu-west-3 (Dublin, Ohio)", "eu-west-3 USA"),
    *("eu-west-3 (Paris, Texas)", "eu-west-3 (Paris, Kentucky)", "eu-west-3 États-Unis", "eu-west-3 (UK)"),
    *("eu-west-3 (Nouméa)", "eu-west-3 (French Polynesia)", "eu-west-3 (Suisse)", "eu-west-3 US"),
    # Another sense: negation, doubt, time, alternatives, exceptions.
    *(
        "not eu-west-3",
        "NOT EU-WEST-3",
        "no eu-west-3",
        "NO EU-WEST-3",
        "except eu-west-3",
        "nicht eu-west-3",
    ),
    *("formerly eu-west-3", "eu-west-3 or wherever", "eu-west-3?", "eu-west-3 !", "eu-west-3 (planned)"),
    *(
        "outside FR eu-west-3",
        "eu-west-3 50%",
        "mostly eu-west-3",
        "eu-west-3 etc.",
        "eu-west-3...",
        "≠eu-west-3",
    ),
    *("eu-west-3 -> USA", "eu-west-3 → elsewhere", "eu-west-3 (US failover)", "-eu-west-3", "!eu-west-3"),
    *("eu-west-3 with failover to Virginia", "eu-west-3 and others", "eu-west-3 +", "eu-west-3 & more"),
    *(
        "eu-west-3 IN",
        "eu-west-3, IN",
        "eu-west-3*",
        "<eu-west-3>",
        "eu-west-3 / ?",
        "~eu-west-3",
        "eu_west_3",
    ),
    # Another provider than the code's.
    *("azure eu-west-3", "Azure and AWS eu-west-3", "eu-west-3 (Google Cloud)"),
    # Letters and signs that cannot be seen, or look like others.
    *("\u0435u-west-3", "eu-west-3 (P\u0430ris)", "eu-west-3\u200b", "eu\u00adwest-3", "eu-west-3\u202e"),
    *("eu\u2011west\u20113", "eu-west-\u00b3", "\ufeffeu-west-3", "eu-west-3 \u200dParis", "eu-west-3\x00"),
    *("eu-west-3 \u202e(oykoT)", "eu-west-3 \U0001f1fa\U0001f1f8", "\uff45u-west-3", "eu-west-\u0663"),
    *(
        "eu-west-3\u2028Tokyo",
        "eu-west-3\nTokyo",
        "eu-west-3\ttokyo",
        "eu-west-3" + " Paris" * 300 + " Tokyo",
    ),
    # No region code at all.
    *(
        "Paris",
        "Paris, France",
        "EU",
        "Europe (Paris)",
        "West Europe",
        "the European Union",
        "aws",
        "AWS Paris",
    ),
)
"""Texts that prove nothing, and that the EU's policy must refuse. The reason stands above each group."""

UNDERSTOOD: Final = (
    *(
        "eu-west-3",
        "EU-WEST-3",
        " eu-west-3 ",
        "AWS eu-west-3",
        "aws: eu-west-3",
        "eu-west-3a",
        "(eu-west-3)",
    ),
    *(
        "eu-west-3 (Paris)",
        "EU-WEST-3 (Paris, France)",
        "eu-west-3, Paris",
        "Paris, eu-west-3",
        "eu-west-3 / FR",
    ),
    *("Region eu-west-3", "region: eu-west-3 (AWS, Paris, EU)", "trained in eu-west-3", "eu-west-3; France"),
    *("Amazon Web Services eu-west-3, Europe (Paris)", "eu-west-3 - Paris", "eu-west-3, zone eu-west-3b"),
    *("eu-west-3\nParis", "eu-west-3\u00a0(Paris)", "eu-west-3 «Paris»", "EU, eu-west-3, FRA", "eu-west-3."),
    *("eu-west-3, eu-central-1", "eu-west-3 (Paris) and eu-central-1 (Frankfurt)", "eu-west-3/eu-central-1"),
    *(
        "Azure West Europe (westeurope)",
        "azure westeurope: Amsterdam, Netherlands",
        "francecentral (France Central)",
    ),
    *("gcp europe-west9-b, Paris", "OVH GRA11 (Gravelines)", "DE/FRA", "ovhcloud GRA", "fr-par-1 (Scaleway)"),
)
"""Texts that say one region, or several allowed ones, and nothing else."""
