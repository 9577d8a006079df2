/* DateTime as ISO 8601 in UTC. Proleptic Gregorian calendar from 1601 on. OPC 10000-6, 5.2.2.5. */
#include "base/clock.h"
#include "ua/text.h"

#define SECONDS_PER_DAY ((int64_t)86400)
#define DAYS_PER_400_YEARS ((int64_t)146097)
#define FIRST_YEAR 1601
#define LAST_YEAR 9999

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from 1601-01-01, which begins a cycle of 400 years, to January 1st. */
static int64_t days_before_year(int year)
{
    const int64_t past = year - FIRST_YEAR;
    return past * 365 + past / 4 - past / 100 + past / 400;
}

static int64_t last_tick(void)
{
    return (days_before_year(LAST_YEAR + 1) * SECONDS_PER_DAY - 1) * KW_TICKS_PER_S;
}

static void split_days(int64_t days, int *year, int *month, int *day)
{
    int y = FIRST_YEAR + (int)(days / DAYS_PER_400_YEARS * 400) + (int)(days % DAYS_PER_400_YEARS / 366);
    while (days_before_year(y + 1) <= days) {
        y++;
    }
    int64_t rest = days - days_before_year(y);
    int m = 1;
    while (rest >= days_in_month(y, m)) {
        rest -= days_in_month(y, m);
        m++;
    }
    *year = y;
    *month = m;
    *day = (int)rest + 1;
}

kw_string kw_date_time_format(kw_arena *arena, kw_date_time t)
{
    if (t <= 0) {
        return KW_STRING("");
    }
    if (t > last_tick()) { /* the end of time is that of the standard, without a fraction */
        t = last_tick();
    }
    int year, month, day;
    const int64_t seconds = t / KW_TICKS_PER_S, fraction = t % KW_TICKS_PER_S;
    split_days(seconds / SECONDS_PER_DAY, &year, &month, &day);
    const int second = (int)(seconds % SECONDS_PER_DAY);
    const int hour = second / 3600, minute = second / 60 % 60;
    if (fraction == 0) {
        return kw_arena_format(arena, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day, hour, minute, second % 60);
    }
    if (fraction % KW_TICKS_PER_MS == 0) {
        return kw_arena_format(arena, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day, hour, minute, second % 60,
                               (int)(fraction / KW_TICKS_PER_MS));
    }
    return kw_arena_format(arena, "%04d-%02d-%02dT%02d:%02d:%02d.%07dZ", year, month, day, hour, minute, second % 60, (int)fraction);
}

typedef struct scanner {
    const uint8_t *p, *end;
    bool failed;
} scanner;

static int number(scanner *s, size_t digits)
{
    int value = 0;
    for (size_t i = 0; i < digits; i++) {
        if (s->p == s->end || *s->p < '0' || *s->p > '9') {
            s->failed = true;
            return 0;
        }
        value = value * 10 + (*s->p++ - '0');
    }
    return value;
}

static bool accept(scanner *s, uint8_t c)
{
    if (s->p != s->end && *s->p == c) {
        s->p++;
        return true;
    }
    return false;
}

static void expect(scanner *s, uint8_t c)
{
    if (!accept(s, c)) {
        s->failed = true;
    }
}

/* Digits past the seventh are finer than a tick and dropped. */
static int64_t fraction_ticks(scanner *s)
{
    int64_t ticks = 0, unit = KW_TICKS_PER_S / 10;
    if (!accept(s, '.')) {
        return 0;
    }
    if (s->p == s->end || *s->p < '0' || *s->p > '9') {
        s->failed = true;
    }
    while (s->p != s->end && *s->p >= '0' && *s->p <= '9') {
        ticks += (*s->p++ - '0') * unit;
        unit /= 10;
    }
    return ticks;
}

static int64_t zone_seconds(scanner *s)
{
    if (accept(s, 'Z')) {
        return 0;
    }
    const bool is_west = accept(s, '-');
    if (!is_west) {
        expect(s, '+');
    }
    const int hours = number(s, 2);
    expect(s, ':');
    const int minutes = number(s, 2);
    if (hours > 23 || minutes > 59) {
        s->failed = true;
    }
    const int64_t seconds = hours * 3600 + minutes * 60;
    return is_west ? -seconds : seconds;
}

kw_status kw_date_time_parse(kw_string text, kw_date_time *out)
{
    scanner s = {.p = text.data, .end = text.len > 0 ? text.data + text.len : text.data};
    const int year = number(&s, 4);
    expect(&s, '-');
    const int month = number(&s, 2);
    expect(&s, '-');
    const int day = number(&s, 2);
    expect(&s, 'T');
    const int hour = number(&s, 2);
    expect(&s, ':');
    const int minute = number(&s, 2);
    expect(&s, ':');
    const int second = number(&s, 2);
    const int64_t fraction = fraction_ticks(&s);
    const int64_t zone = zone_seconds(&s);
    if (s.failed || s.p != s.end || year < FIRST_YEAR || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        hour > 23 || minute > 59 || second > 59) {
        return KW_BAD_SYNTAX_ERROR;
    }
    int64_t days = days_before_year(year) + day - 1;
    for (int m = 1; m < month; m++) {
        days += days_in_month(year, m);
    }
    const int64_t seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - zone;
    *out = seconds * KW_TICKS_PER_S + fraction;
    return KW_GOOD;
}
