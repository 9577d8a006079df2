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
    /* Messages of events */
    {"a SecureChannel was opened", "ein SecureChannel wurde geöffnet", "un SecureChannel a été ouvert"},
    {"OpenSecureChannel refused", "OpenSecureChannel abgelehnt", "OpenSecureChannel refusé"},
    {"the SecureChannel is closed", "der SecureChannel ist geschlossen", "le SecureChannel est fermé"},
    {"a Session was created", "eine Session wurde angelegt", "une Session a été créée"},
    {"CreateSession refused", "CreateSession abgelehnt", "CreateSession refusé"},
    {"a Session was activated", "eine Session wurde aktiviert", "une Session a été activée"},
    {"ActivateSession refused", "ActivateSession abgelehnt", "ActivateSession refusé"},
    {"a Session was closed", "eine Session wurde geschlossen", "une Session a été fermée"},
    {"CloseSession refused", "CloseSession abgelehnt", "CloseSession refusé"},
    {"a Session timed out", "die Zeit einer Session ist abgelaufen", "une Session a expiré"},
    {"the Server ended a Session", "der Server hat eine Session beendet", "le serveur a mis fin à une Session"},
    {"a Session goes on as Anonymous", "eine Session läuft anonym weiter", "une Session continue de façon anonyme"},
    {"requests were cancelled", "Anfragen wurden abgebrochen", "des requêtes ont été annulées"},
    {"the Client came by a URL whose host is none of the Server's", "der Client kam über eine URL, deren Rechner nicht der des Servers ist",
     "le client est venu par une URL dont l'hôte n'est pas celui du serveur"},
    {"the Certificate of a user is not accepted", "das Zertifikat eines Benutzers wird nicht angenommen",
     "le certificat d'un utilisateur n'est pas accepté"},
    {"the Certificate of a live SecureChannel is no longer accepted",
     "das Zertifikat eines offenen SecureChannel wird nicht mehr angenommen", "le certificat d'un SecureChannel ouvert n'est plus accepté"},
    {"a Method was refused", "eine Methode wurde abgelehnt", "une méthode a été refusée"},
    {"a Write was refused", "ein Schreiben wurde abgelehnt", "une écriture a été refusée"},
    {"the mapping rules of a Role were changed", "die Zuordnungsregeln einer Rolle wurden geändert",
     "les règles d'attribution d'un rôle ont été modifiées"},
    {"the restrictions of a Role were changed", "die Einschränkungen einer Rolle wurden geändert",
     "les restrictions d'un rôle ont été modifiées"},
    {"a Role was added", "eine Rolle wurde hinzugefügt", "un rôle a été ajouté"},
    {"a Role was removed", "eine Rolle wurde entfernt", "un rôle a été supprimé"},
    {"a user was added", "ein Benutzer wurde hinzugefügt", "un utilisateur a été ajouté"},
    {"a user was changed", "ein Benutzer wurde geändert", "un utilisateur a été modifié"},
    {"a user was removed", "ein Benutzer wurde entfernt", "un utilisateur a été supprimé"},
    {"a user changed the password", "ein Benutzer hat sein Passwort geändert", "un utilisateur a changé son mot de passe"},
    {"an access token was asked for", "ein Zugriffstoken wurde angefordert", "un jeton d'accès a été demandé"},
    {"an access token was issued", "ein Zugriffstoken wurde ausgestellt", "un jeton d'accès a été délivré"},
    {"Events were lost", "Ereignisse gingen verloren", "des événements ont été perdus"},
    /* … and reasons in them */
    {"identity expired", "die Identität ist abgelaufen", "l'identité a expiré"},
    {"the key of the token is not believed any more", "dem Schlüssel des Tokens wird nicht mehr geglaubt",
     "la clé du jeton n'est plus crue"},
    {"the user is not let in any more", "der Benutzer wird nicht mehr eingelassen", "l'utilisateur n'est plus admis"},
    {"locked out after failed attempts", "nach Fehlversuchen ausgesperrt", "bloqué après des tentatives échouées"},
    {"another user on a transfer", "ein anderer Benutzer bei einem Transfer", "un autre utilisateur lors d'un transfert"},
    {"unknown user", "unbekannter Benutzer", "utilisateur inconnu"},
    {"disabled user", "gesperrter Benutzer", "utilisateur désactivé"},
    {"wrong password", "falsches Passwort", "mot de passe erroné"},
};

kw_status kw_space_add_words(kw_space *space)
{
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        KW_TRY(kw_space_translate(space, WORDS[i].en, "de", WORDS[i].de));
        KW_TRY(kw_space_translate(space, WORDS[i].en, "fr", WORDS[i].fr));
    }
    return KW_GOOD;
}
