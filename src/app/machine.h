/* The sample machine: a few nodes with different rights, so that there is something to guard. */
#ifndef KW_APP_MACHINE_H
#define KW_APP_MACHINE_H

#include "space/space.h"

typedef struct kw_machine kw_machine;

/*
 * ns=1;s=Machine              Object below Objects
 *   ns=1;s=Machine.Temperature  Double, everybody may read it
 *   ns=1;s=Machine.Speed        Double, Observer reads; Operator, Engineer and Supervisor read; Operator writes
 *   ns=1;s=Machine.Recipe       String, Operator and Engineer read; Engineer writes
 *   ns=1;s=Machine.SetSpeed     Method(Speed: Double) -> Former: Double, for the Operator
 */
kw_status kw_machine_new(kw_space *space, const kw_clock *clock, kw_machine **out);
void kw_machine_free(kw_machine *machine);

#endif
