export { type AlertsQuestion, alertList, groupList } from './api/alertmanager/alerts.ts';
export { readFilter, readReceiver } from './api/alertmanager/label-filter.ts';
export { type PostedBody, readPostedAlerts } from './api/alertmanager/posted-alerts.ts';
export { ApiRefusal } from './api/alertmanager/refusal.ts';
export { checkSilenceId, gettableSilence, readPostedSilence, silenceList } from './api/alertmanager/silences.ts';
export { receiversAnswer, statusAnswer } from './api/alertmanager/status.ts';
export { type ApiAlert, alertsAnswer } from './api/alerts.ts';
export { type ApiRule, type ApiRuleGroup, type RulesAnswer, type RulesFilter, rulesAnswer } from './api/rules.ts';
export { ALERT_SCHEMA_IDS } from './avro/framed-record.ts';
export { ALERT_EVENT_SCHEMA, type AlertEvent, decodeAlertEvent, encodeAlertEvent } from './event/alert-event.ts';
export { ALERT_STATE_SCHEMA, type AlertStateRecord, decodeAlertState } from './event/alert-state-record.ts';
export { fingerprintOf } from './event/fingerprint.ts';
export { alertTopics } from './event/topics.ts';
export { readAlertmanagerFile } from './notifier/config/alertmanager-file.ts';
export type { NotifierPlan } from './notifier/config/plan.ts';
export { planOfShortForm, type ShortForm } from './notifier/config/short-form.ts';
export { decodeLedgerEntry, type LedgerEntry, NOTIFY_LEDGER_SCHEMA } from './notifier/ledger.ts';
export { decodeSilence, SILENCE_SCHEMA, type SilenceRecord, type SilenceState } from './notifier/silence.ts';
export type { NotifierStatus } from './notifier/start-notifier.ts';
export { type Notifier, type NotifierOptions, type NotifierSetup, startNotifier } from './notifier/start-notifier.ts';
export type { Fetch } from './receiver/http-client.ts';
export type { TemplateFile } from './receiver/template-data.ts';
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
export { runUnitTests, type UnitTestOutcome } from './unit-test/run-unit-tests.ts';
export { parseUnitTestFile, type UnitTest, type UnitTestFile } from './unit-test/unit-test-file.ts';
