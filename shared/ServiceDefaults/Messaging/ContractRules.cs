using System.Collections;
using System.Collections.Concurrent;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using FlEvents.Contracts;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>
/// What every message must be before a consumer sees it: nothing is missing, names are names, hashes are hashes, counts count, and nothing is longer than our
/// own services send. A new contract is covered by itself, because a word means the same in all of them.
/// </summary>
/// <remarks>
/// What an announced update says of itself is left to its round's book, which has a better answer than to put the message aside: its client is told, and its round
/// does not wait for it.
/// </remarks>
public static class ContractRules
{
    /// <summary>Most elements of a list; lists of clients come in pages.</summary>
    public const int LargestList = 256;

    /// <summary>Most characters of a text that is for a person.</summary>
    public const int LongestDetail = 1 << 14;

    /// <summary>Most characters of any other text.</summary>
    public const int LongestText = 1 << 10;

    private const int LongestName = 64;

    /// <summary>Smallest value of a number, by its name.</summary>
    private static readonly Dictionary<string, long> Smallest = new()
    {
        ["Round"] = 1, ["Attempt"] = 1, ["LeaseNumber"] = 1, ["CohortSize"] = 1, ["SizeBytes"] = 1, ["ParameterCount"] = 1, ["DeclaredExamples"] = 1, ["Steps"] = 1,
        ["Version"] = 0, ["Slots"] = 0, ["Running"] = 0, ["MinimumReports"] = 0, ["UpdatesAdmitted"] = 0, ["UpdateSizeBytes"] = 0, ["Committed"] = 0, ["PartitionIndex"] = 0, ["Sequence"] = 0,
        ["CorrectCount"] = 0,
    };

    /// <summary>Largest value of a number, by its name: what is summed up must not overflow.</summary>
    private static readonly Dictionary<string, long> Largest = new() { ["Slots"] = 1000, ["SizeBytes"] = 1L << 40, ["UpdateSizeBytes"] = 1L << 40 };

    private static readonly ConcurrentDictionary<Type, Property[]> Known = new();

    /// <summary>The first thing that is wrong with a message, as a sentence that names the value and what was expected; null when nothing is.</summary>
    public static string? Defect(object message) => message is UpdateSubmitted
        ? Defect(message, nameof(UpdateSubmitted), isJudged: true)
        : Defect(message, message.GetType().Name, isJudged: false) ?? IdDefect(message);

    /// <param name="isJudged">Whether hashes and counts are another's to judge.</param>
    private static string? Defect(object record, string path, bool isJudged)
    {
        foreach (var property in Known.GetOrAdd(record.GetType(), PropertiesOf))
        {
            if (DefectOf(property, property.Info.GetValue(record), $"{path}.{property.Info.Name}", isJudged) is { } defect)
            {
                return defect;
            }
        }

        return null;
    }

    private static string? DefectOf(Property property, object? value, string path, bool isJudged)
    {
        if (value is null)
        {
            return property.IsNullable ? null : $"{path} is missing.";
        }

        if (property.Bounds.FirstOrDefault(bound => !bound.IsValid(value)) is { } broken)
        {
            return $"{path} is {Shown(value)}; expected {Expectation(broken)}.";
        }

        return value switch
        {
            string text => property.IsSpecification ? null : TextDefect(property.Info.Name, text, path, isJudged),
            int or long => isJudged ? null : NumberDefect(property.Info.Name, Convert.ToInt64(value, CultureInfo.InvariantCulture), path),
            Enum constant when !Enum.IsDefined(constant.GetType(), constant) => $"{path} is {constant:D}; expected {string.Join(", ", Enum.GetNames(constant.GetType()))}.",
            IList list => ListDefect(property, list, path, isJudged),
            _ => IsRecord(value.GetType()) ? Defect(value, path, isJudged) : null,
        };
    }

    private static string? ListDefect(Property property, IList list, string path, bool isJudged)
    {
        if (!property.IsSpecification && list.Count > LargestList)
        {
            return $"{path} has {list.Count} elements; expected at most {LargestList}.";
        }

        for (var i = 0; i < list.Count; i++)
        {
            var defect = list[i] switch
            {
                null => property.HasNullableElements ? null : $"{path}[{i}] is missing.",
                string text => property.IsSpecification ? null : TextDefect(property.Info.Name, text, $"{path}[{i}]", isJudged),
                var element => IsRecord(element.GetType()) ? Defect(element, $"{path}[{i}]", isJudged) : null,
            };
            if (defect is not null)
            {
                return defect;
            }
        }

        return list.OfType<object>().Select(NameOf).OfType<string>().CountBy(name => name).FirstOrDefault(name => name.Value > 1).Key is { } twice
            ? $"{path} has {twice} twice; expected each client once."
            : null;

        string? NameOf(object element) => property.Info.Name == "ClientIds" ? element as string : element.GetType().GetProperty("ClientId")?.GetValue(element) as string;
    }

    private static string? TextDefect(string name, string text, string path, bool isJudged) => name switch
    {
        "ClientId" or "ClientIds" or "WorkerId" or "Pool" when !IsName(text) => $"{path} is {Shown(text)}; expected 1 to {LongestName} of a-z, 0-9 and -.",
        "Detail" or "Reason" => text.Length <= LongestDetail ? null : $"{path} has {text.Length} characters; expected at most {LongestDetail}.",
        _ when text.Length > LongestText => $"{path} has {text.Length} characters; expected at most {LongestText}.",
        _ when !isJudged && (name == "Hash" || name.EndsWith("Sha256", StringComparison.Ordinal)) && !IsHash(text) => $"{path} is {Shown(text)}; expected 64 lower-case hexadecimal digits.",
        _ => null,
    };

    private static string? NumberDefect(string name, long number, string path) =>
        Smallest.TryGetValue(name, out var smallest) && number < smallest ? $"{path} is {number}; expected at least {smallest}."
        : Largest.TryGetValue(name, out var largest) && number > largest ? $"{path} is {number}; expected at most {largest}."
        : null;

    /// <summary>Ids that follow from others: one that does not would be in the way of the one that does.</summary>
    private static string? IdDefect(object message)
    {
        var name = message.GetType().Name;
        if (Value<Guid>(message, "RunId") is not { } runId || Value<int>(message, "Round") is not { } round)
        {
            return null;
        }

        if (Value<Guid>(message, "RoundId") is { } roundId && roundId != ReservationId.OfRound(runId, round))
        {
            return $"{name}.RoundId is {roundId}; expected {ReservationId.OfRound(runId, round)}, which is round {round} of run {runId}.";
        }

        var members = message is OpenRound opened ? opened.Members : [];
        return members.Prepend(message).FirstOrDefault(member => IsOther(member, runId, round)) is { } other
            ? $"{name}.ReservationId is {Value<Guid>(other, nameof(ReservationId))}, which is not the one of client {other.GetType().GetProperty("ClientId")!.GetValue(other)} in round {round} of run {runId}."
            : null;
    }

    private static bool IsOther(object member, Guid runId, int round) =>
        Value<Guid>(member, nameof(ReservationId)) is { } reservation
        && Value<Guid>(member, nameof(RoundMember.CarriedFrom)) is null
        && Value<int>(member, "Attempt") is { } attempt
        && reservation != ReservationId.Of(runId, round, (string)member.GetType().GetProperty("ClientId")!.GetValue(member)!, attempt);

    private static T? Value<T>(object record, string name)
        where T : struct => record.GetType().GetProperty(name)?.GetValue(record) as T?;

    private static string Expectation(ValidationAttribute bound) => bound switch
    {
        RangeAttribute range => FormattableString.Invariant($"{range.Minimum} to {range.Maximum}"),
        StringLengthAttribute length => FormattableString.Invariant($"{length.MinimumLength} to {length.MaximumLength} characters"),
        RegularExpressionAttribute form => form.Pattern,
        _ => bound.FormatErrorMessage("a value"),
    };

    private static bool IsName(string text) => text.Length is >= 1 and <= LongestName && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static bool IsHash(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);

    /// <summary>A value on one line, shortened, and with nothing in it that moves a cursor.</summary>
    private static string Shown(object value)
    {
        const int Longest = 60;
        var text = FormattableString.Invariant($"{value}");
        var shown = string.Concat((text.Length > Longest ? text[..Longest] + "…" : text).Select(c => char.IsControl(c) || char.IsSurrogate(c) || char.GetUnicodeCategory(c) == UnicodeCategory.Format ? '?' : c));
        return value is string ? $"\"{shown}\"" : shown;
    }

    private static bool IsRecord(Type type) => type.Assembly == typeof(BlobRef).Assembly && type.IsClass;

    private static Property[] PropertiesOf(Type record)
    {
        var nullability = new NullabilityInfoContext();
        return [.. record.GetProperties().Where(property => property.CanWrite).Select(property =>
        {
            var info = nullability.Create(property);
            return new Property(
                property,
                info.ReadState == NullabilityState.Nullable,
                info.GenericTypeArguments is [var element] && element.ReadState == NullabilityState.Nullable,
                property.GetCustomAttribute<DescriptionAttribute>() is not null,
                [.. property.GetCustomAttributes<ValidationAttribute>()]);
        })];
    }

    /// <param name="IsSpecification">A key of a run's specification, which carries its own bounds: whatever the API has taken must be taken here.</param>
    private sealed record Property(PropertyInfo Info, bool IsNullable, bool HasNullableElements, bool IsSpecification, ValidationAttribute[] Bounds);
}
