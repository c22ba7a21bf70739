#ifndef LOWPORT_CLI_COMPLETIONS_H
#define LOWPORT_CLI_COMPLETIONS_H

/* Each prints a script that makes a shell complete lowport's arguments. */
void completions_bash(void);
void completions_zsh(void);
void completions_fish(void);

/* How listeners and backends may begin, for all three. */
#define SPEC_WORDS    "127.0.0.1: only:127.0.0.1: unix:/ systemd launchd: fd:"
#define BACKEND_WORDS "127.0.0.1: unix:/ auto unix:auto"

#endif
