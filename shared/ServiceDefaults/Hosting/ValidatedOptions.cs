using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.Hosting;

/// <summary>Options that stop the service at its start, with the property, the value and the range, when one is out of bounds.</summary>
public static class ValidatedOptions
{
    /// <param name="section">Configuration section, the service's name.</param>
    /// <param name="rules">Rules over several properties; each error a sentence.</param>
    public static void AddValidatedOptions<T>(this IServiceCollection services, string section, Func<T, IEnumerable<string>>? rules = null)
        where T : class
    {
        services.AddOptions<T>().BindConfiguration(section, binder => binder.ErrorOnUnknownConfiguration = true).ValidateOnStart();
        services.AddSingleton<IValidateOptions<T>>(new Validator<T>(section, rules ?? (_ => [])));
    }

    private sealed class Validator<T>(string section, Func<T, IEnumerable<string>> rules) : IValidateOptions<T>
        where T : class
    {
        public ValidateOptionsResult Validate(string? name, T options)
        {
            var errors = new List<string>();
            foreach (var property in typeof(T).GetProperties())
            {
                var value = property.GetValue(options);
                foreach (var attribute in property.GetCustomAttributes<ValidationAttribute>().Where(attribute => !attribute.IsValid(value)))
                {
                    errors.Add($"{section}:{property.Name} is {Show(value)}: {Expectation(attribute)}.");
                }
            }

            errors.AddRange(rules(options).Select(error => $"{section}: {error}"));
            return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
        }

        private static string Show(object? value) => value switch
        {
            null => "missing",
            string text => $"\"{text}\"",
            _ => FormattableString.Invariant($"{value}"),
        };

        private static string Expectation(ValidationAttribute attribute) => attribute switch
        {
            RangeAttribute range => FormattableString.Invariant($"it must be from {range.Minimum} to {range.Maximum}"),
            RequiredAttribute => "it must be given",
            RegularExpressionAttribute pattern => $"it must match {pattern.Pattern}",
            _ => attribute.FormatErrorMessage("it"),
        };
    }
}
