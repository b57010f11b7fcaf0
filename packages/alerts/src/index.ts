export { type ApiAlert, alertsAnswer } from './api/alerts.ts';
export { type ApiRule, type ApiRuleGroup, type RulesAnswer, type RulesFilter, rulesAnswer } from './api/rules.ts';
export { ALERT_SCHEMA_IDS } from './avro/framed-record.ts';
export { ALERT_EVENT_SCHEMA, type AlertEvent, decodeAlertEvent, encodeAlertEvent } from './event/alert-event.ts';
export { ALERT_STATE_SCHEMA, type AlertStateRecord, decodeAlertState } from './event/alert-state-record.ts';
export { fingerprintOf } from './event/fingerprint.ts';
export { alertTopics } from './event/topics.ts';
export { decodeLedgerEntry, type LedgerEntry, NOTIFY_LEDGER_SCHEMA } from './notifier/ledger.ts';
export { DEFAULT_ROUTE, type RouteSpec } from './notifier/route.ts';
export {
  type Notifier,
  type NotifierOptions,
  type NotifierStatus,
  type ReceiverStatus,
  startNotifier,
} from './notifier/start-notifier.ts';
export type { Fetch, WebhookSpec } from './receiver/webhook.ts';
export type { WebhookPayload } from './receiver/webhook-payload.ts';
export type { Alert, AlertPhase } from './rules/alert.ts';
export {
  loadRules,
  parseRuleFile,
  type RuleFileOptions,
  type RuleFileResult,
  type RuleFileText,
} from './rules/file.ts';
export type { AlertingRuleSpec, IdentifiedRule, RecordingRuleSpec, RuleGroupSpec, RuleSpec } from './rules/rule.ts';
export { type Rules, type RulesOptions, startRules } from './rules/start-rules.ts';
export type { GroupStatus, RuleHealth, RuleStatus } from './rules/status.ts';
