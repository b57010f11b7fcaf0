// Exported as `@tidemark/log/sim`.
export { type AppendFault, FaultPlan } from './fault-plan.ts';
export { SimLog, type SimLogOptions } from './sim-log.ts';
