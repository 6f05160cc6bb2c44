// Watches a callback: a host sets `running` to 1 while the callback runs; `report` prints the forbidden calls.

#pragma once

#ifdef __cplusplus
extern "C" {
#endif

extern __thread int running;

// Prints the names of allocations, locks and system calls that may block, one per line.
void report(void);

#ifdef __cplusplus
}
#endif
