/** What programs import from `holdfast/authz`: authorization by itself, without the engine's rest. */
export type { AuthzSettings } from "../authz/authz.ts";
export { drawExplanation, type PictureOptions } from "../authz/picture/picture.ts";
export type { EmbeddedAuthz, EmbeddedTenant } from "../authz/port.ts";
export {
  parseCheckItem,
  parseObject,
  parseRelationship,
  parseSubject,
  printRelationship,
} from "../authz/relationship-text.ts";
export {
  dialectOf,
  type ParseSchemaOptions,
  parseSchema,
  printSchema,
} from "../authz/schema/dialect.ts";
export { diffSchemas, type SchemaDifference } from "../authz/schema/diff.ts";
export { type LintCode, lintSchema } from "../authz/schema/lint.ts";
export { type OpenfgaModelJson, toOpenfgaJson } from "../authz/schema/openfga/to-json.ts";
export {
  type ReflectedCaveat,
  type ReflectedPermission,
  type ReflectedRelation,
  type ReflectedSchema,
  type ReflectedType,
  reflectSchema,
} from "../authz/schema/reflect.ts";
export type {
  AllowedSubject,
  CaveatDefinition,
  CaveatType,
  Expression,
  Origin,
  ParsedSchema,
  Position,
  RelationDefinition,
  Schema,
  SchemaProblem,
  TypeDefinition,
} from "../authz/schema/schema.ts";
export { generateTypes } from "../authz/schema/types.ts";
export {
  type CaveatContexts,
  type NameOf,
  type RelationOf,
  type SchemaNames,
  type TypedEmbeddedTenant,
  type TypedFilter,
  type TypedItem,
  type TypedObject,
  type TypedPermissions,
  type TypedRelationship,
  type TypedSubject,
  type TypedTenant,
  type TypedWrite,
  type TypeNames,
  type TypeOf,
  typed,
} from "../authz/typed.ts";
export type {
  FileProblem,
  Outcome,
  ValidationForm,
  ValidationReport,
} from "../authz/validation/validation.ts";
export { connectAuthz } from "../client/authz-client.ts";
export type { ConnectOptions } from "../client/http-link.ts";
export type {
  AuthzPort,
  Change,
  ChangePage,
  CheckAnswer,
  CheckItem,
  CheckManyAnswer,
  CheckManyRequest,
  CheckRequest,
  Consistency,
  CreateTenant,
  DeleteRelationships,
  ExpandAnswer,
  ExpandRequest,
  ExpandTree,
  ExplainedCaveat,
  Explanation,
  FoundResource,
  FoundSubject,
  LookupPage,
  LookupResources,
  LookupSubjects,
  Page,
  PageRequest,
  PermissionsAnswer,
  PermissionsRequest,
  Precondition,
  Question,
  ReadChanges,
  ReadRelationships,
  RelationshipPage,
  RelationshipsDeleted,
  RelationshipsWritten,
  SchemaDescription,
  SchemaDialect,
  SchemaProblemDescription,
  SchemaWritten,
  TenantDescription,
  TenantPort,
  UpdateTenant,
  Verdict,
  WatchEvent,
  WatchRequest,
  WriteRelationships,
  WriteSchema,
} from "../model/authz.ts";
export { ExplainedError } from "../model/denial.ts";
export { type ErrorCode, HoldfastError } from "../model/errors.ts";
export type { TenantLimitName, TenantLimits } from "../model/limits.ts";
export type {
  CaveatContext,
  CaveatUse,
  ObjectRef,
  Relationship,
  RelationshipFilter,
  RelationshipOperation,
  RelationshipUpdate,
  StoredRelationship,
  SubjectRef,
} from "../model/relationship.ts";
export { SchemaInvalid } from "../model/schema-invalid.ts";
export { type OpenAuthzOptions, type OpenedAuthz, openAuthz } from "../server/open-authz.ts";
export { type FileValidation, validateFile } from "../server/validate-file.ts";
