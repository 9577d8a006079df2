#include "base/try.h"
#include "space/locale.h"
#include "space/space_internal.h"

typedef struct word {
    const char *en, *de, *fr;
} word;

static const word WORDS[] = {
    {"Objects", "Objekte", "Objets"},
    {"Types", "Typen", "Types"},
    {"Views", "Sichten", "Vues"},
    {"Server", "Server", "Serveur"},
    {"ServerStatus", "Serverstatus", "État du serveur"},
    {"CurrentTime", "Aktuelle Zeit", "Heure actuelle"},
    {"StartTime", "Startzeit", "Heure de démarrage"},
    {"State", "Zustand", "État"},
    {"Roles", "Rollen", "Rôles"},
    {"Anonymous", "Anonym", "Anonyme"},
    {"AuthenticatedUser", "Angemeldeter Benutzer", "Utilisateur authentifié"},
    {"TrustedApplication", "Vertraute Anwendung", "Application de confiance"},
    {"Observer", "Beobachter", "Observateur"},
    {"Operator", "Bediener", "Opérateur"},
    {"Engineer", "Ingenieur", "Ingénieur"},
    {"Supervisor", "Schichtführer", "Superviseur"},
    {"ConfigureAdmin", "Konfigurationsverwalter", "Administrateur de la configuration"},
    {"SecurityAdmin", "Sicherheitsverwalter", "Administrateur de la sécurité"},
};

kw_status kw_space_add_words(kw_space *space)
{
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        KW_TRY(kw_space_translate(space, WORDS[i].en, "de", WORDS[i].de));
        KW_TRY(kw_space_translate(space, WORDS[i].en, "fr", WORDS[i].fr));
    }
    return KW_GOOD;
}
