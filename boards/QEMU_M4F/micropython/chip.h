// Registers of the Cortex-M4 and of the CMSDK peripherals of mps2-an386.
// Source: ARM DDI 0479 (CMSDK), ARM DAI 0386 (the FPGA image), ARM DDI 0403 (ARMv7-M).
#pragma once

#include <stdint.h>

#define CPU_HZ 25000000u

typedef struct {
    volatile uint32_t csr, rvr, cvr;
} systick_regs;
#define SYSTICK ((systick_regs *)0xE000E010)

#define SCB_ICSR (*(volatile uint32_t *)0xE000ED04)
#define ICSR_PENDSTSET (1u << 26)
#define SCB_CFSR (*(volatile uint32_t *)0xE000ED28)
#define SCB_BFAR (*(volatile uint32_t *)0xE000ED38)
#define SCB_CPACR (*(volatile uint32_t *)0xE000ED88)
#define CPACR_FPU (0xFu << 20)
#define NVIC_ISER0 (*(volatile uint32_t *)0xE000E100)

typedef struct {
    volatile uint32_t data, state, ctrl, interrupt, baud;
} uart_regs;
enum { UART_TX_FULL = 1, UART_RX_FULL = 2 };                                // state
enum { UART_TX_ON = 1, UART_RX_ON = 2, UART_TX_INT = 4, UART_RX_INT = 8 };  // ctrl
enum { UART_INT_TX = 1, UART_INT_RX = 2 };                                  // interrupt
