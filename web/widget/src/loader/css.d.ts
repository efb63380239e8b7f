// A style sheet as text: the build puts it in, without what is only for people.
declare module "*.css" {
  const text: string;
  export default text;
}
