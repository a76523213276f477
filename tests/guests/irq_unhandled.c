// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * An interrupt that its only handler says is not its own, a hundred thousand times: the kernel switches it off ("nobody
 * cared"). No device of the guest can be made to do it, so the line is one without hardware and is raised by software;
 * from there on it is the kernel's usual way.
 */
#include "zoo.h"
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>

static int irq;

static irqreturn_t handle(int number, void *device)
{
	return IRQ_NONE;
}

static int __init zoo_init(void)
{
	int error, i;

	irq = irq_alloc_desc(NUMA_NO_NODE);
	if (irq < 0)
		return irq;
	irq_set_chip_and_handler_name(irq, &dummy_irq_chip, handle_simple_irq, "zoo");
	error = request_irq(irq, handle, IRQF_SHARED, "zoo", &irq);
	if (error) {
		irq_free_desc(irq);
		return error;
	}
	/* Only those count that follow each other within a tenth of a second: a slow host needs another round. */
	for (i = 0; i < 3000000 && !irqd_irq_disabled(irq_get_irq_data(irq)); i++) {
		generic_handle_irq_safe(irq);
		if (i % 1000 == 0)
			cond_resched();
	}
	return 0;
}

static void __exit zoo_exit(void)
{
	free_irq(irq, &irq);
	irq_free_desc(irq);
}
module_init(zoo_init);
module_exit(zoo_exit);
MODULE_LICENSE("GPL");
